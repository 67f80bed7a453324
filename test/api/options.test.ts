import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { type AcquireOptions, acquire, SocketManager, type SocketManagerOptions } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { greet } from '../helpers/serve.js';

const maxTimerMs = 2_147_483_647;

/** Values of each type. A value of another type than the option's is a wrong value for it. */
const notNumbers = [null, '', '5', true, 5n, {}, [], () => {}, Symbol('x')];
const notDurations = [...notNumbers, -1, Number.NaN, Number.POSITIVE_INFINITY, maxTimerMs + 1];
const duration = { wrong: notDurations, right: [0, 0.5, 1, maxTimerMs], expected: /^a number of milliseconds from 0/ };
const timeout = {
  wrong: [...notDurations, 0, -0],
  right: [Number.MIN_VALUE, 1, maxTimerMs],
  expected: /^a number of milliseconds above 0/,
};
const limit = {
  wrong: [...notNumbers, 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1],
  right: [1, 2, Number.MAX_SAFE_INTEGER],
  expected: /^a whole number from 1 to 9007199254740991$/,
};

interface Rule {
  readonly wrong: readonly unknown[];
  readonly right: readonly unknown[];
  readonly expected: RegExp;
}

/** A server that needs nothing. */
const listens = 'import signal,socket,sys; s=socket.socket(1); s.bind(sys.argv[1]); s.listen(); signal.pause()';

const acquireRules: Required<Record<keyof AcquireOptions, Rule>> = {
  serve: {
    wrong: [null, 5, 'serve', true, {}, [], { emit() {} }, { listen() {} }, Symbol('x')],
    right: [() => {}, async () => {}, createServer(), createHttpServer()],
    expected: /^a function that takes a connection, or a net, http or tls server$/,
  },
  server: {
    wrong: [null, 5, 'redis-server', true, [], ['redis-server'], () => {}],
    right: [{ command: ['python3', '-c', listens, '{socket}'] }],
    expected: /^an object$/,
  },
  mode: {
    wrong: [...notNumbers, 0, 0o400, 0o200, 0o177, 0o1600, 0o4600, 0o1000, -1, 384.5, Number.NaN],
    right: [0o600, 0o660, 0o666, 0o777, 0o700],
    expected: /^permission bits from 0o600 to 0o777/,
  },
  lingerMs: duration,
  drainTimeoutMs: duration,
  timeoutMs: timeout,
  failoverTimeoutMs: timeout,
  reclaim: {
    wrong: [null, '', 'all', 'STALE', true, 1, {}, ['stale']],
    right: ['recorded', 'stale'],
    expected: /^'recorded' or 'stale'$/,
  },
  label: {
    wrong: [null, 5, true, {}, ['x'], 'x'.repeat(201), Symbol('x')],
    right: ['', 'x', 'x'.repeat(200), 'ünï \n 🔌'],
    expected: /^a string of at most 200 characters$/,
  },
  signal: {
    wrong: [null, 5, 'x', {}, new AbortController(), { aborted: false, addEventListener() {} }, new EventTarget()],
    right: [new AbortController().signal],
    expected: /^an AbortSignal$/,
  },
};

const managerRules: Required<Record<keyof SocketManagerOptions, Rule>> = {
  limits: {
    wrong: [null, 5, 'x', true, [], () => {}],
    right: [{}, { maxSockets: undefined }],
    expected: /^an object$/,
  },
  allowedDirectories: {
    wrong: [null, 5, '/tmp', true, {}, [], ['tmp'], ['/tmp', ''], ['/tmp', 5], [undefined]],
    right: [['/tmp'], ['/', '/none']],
    expected: /^a list of absolute paths with at least one of them$/,
  },
  traceLeaks: { wrong: [null, 0, 1, 'true', {}, []], right: [true, false], expected: /^true or false$/ },
  healIntervalMs: timeout,
};

const limitNames = [
  'maxSockets',
  'maxReferencesPerSocket',
  'maxMembersPerSocket',
  'maxConnectionsPerSocket',
  'maxPendingAcquires',
  'cleanupConcurrency',
] as const;

/** What an error says about an option. */
function refusal(option: string, expected: RegExp | string, value: unknown) {
  return {
    code: 'ERR_SOCKREF_INVALID_OPTION',
    option,
    expected: typeof expected === 'string' ? expected : expect.stringMatching(expected),
    received: expect.any(String),
    message: expect.stringContaining(typeof value === 'string' ? JSON.stringify(value).slice(0, 50) : 'option'),
  };
}

/** The option that serves; left out for an option that serves in its place. */
const serveUnless = (name: string) => (name === 'server' ? {} : { serve: greet });

const construct = (options: unknown) => new SocketManager(options as SocketManagerOptions);

describe('options of acquire', () => {
  it.each(Object.entries(acquireRules))('%s', (name, { wrong, right, expected }) =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const path = `${directory}/a`;
      for (const value of wrong) {
        const acquired = manager.acquire(path, { ...serveUnless(name), [name]: value });
        await expect(acquired, String(value)).rejects.toMatchObject(refusal(name, expected, value));
      }
      expect(manager.stats()).toMatchObject({ activeSockets: 0, acquired: 0, started: 0, pendingAcquires: 0 });
      for (const value of right) {
        // Otherwise the socket would linger for weeks.
        await (await manager.acquire(path, { ...serveUnless(name), [name]: value })).close();
        await manager.forceCleanupSocket(path);
      }
      // `undefined` counts as not given.
      await (await manager.acquire(path, { serve: greet, [name]: name === 'serve' ? greet : undefined })).close();
    }),
  );

  it('must be an object', async () => {
    await using manager = new SocketManager();
    for (const options of [null, 5, 'x', true, [], () => {}]) {
      await expect(manager.acquire('a', options as never)).rejects.toMatchObject(
        refusal('options', 'an object', options),
      );
    }
  });

  it('must all be known', async () => {
    await using manager = new SocketManager();
    const known = Object.keys(acquireRules).join(', ');
    for (const name of ['serv', 'Mode', 'servers', '__proto', 'constructor', 'toString', '']) {
      const options = Object.fromEntries([[name, undefined]]);
      const error = manager.acquire('a', options as never);
      await expect(error).rejects.toMatchObject(refusal(name, `one of: ${known}`, undefined));
      const hint =
        name === 'Mode'
          ? 'did you mean "mode"? The'
          : /serv/.test(name)
            ? `did you mean "${name === 'serv' ? 'serve' : 'server'}"? The`
            : 'the';
      await expect(error).rejects.toThrow(`Unknown option ${JSON.stringify(name)}; ${hint} options are ${known}`);
    }
  });

  it('are checked before anything else, on the default manager, too', async () => {
    const refused = refusal('timeoutMs', timeout.expected, -1);
    await expect(acquire('../x', { timeoutMs: -1 })).rejects.toMatchObject(refused);
    await expect(acquire('a', { timeoutMs: -1, signal: AbortSignal.abort() })).rejects.toMatchObject(refused);
  });

  it('are checked for an acquire that only shares, too', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      await using reference = await manager.acquire(`${directory}/a`, { serve: greet });
      const second = manager.acquire(`${directory}/a`, { mode: 5 });
      await expect(second).rejects.toMatchObject(refusal('mode', /^permission bits/, 5));
      expect(reference.referenceCount).toBe(1);
    }));

  it('are shown shortened and escaped in messages', async () => {
    await using manager = new SocketManager();
    const error = await manager
      .acquire('a', { reclaim: `${'\n\u001b[31m'.repeat(10_000)}` as never })
      .catch((thrown: unknown) => thrown as Error & { received: string });
    expect(error).toBeInstanceOf(Error);
    const { message, received } = error as Error & { received: string };
    expect(message.length).toBeLessThan(400);
    expect(received).toMatch(/…"$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested
    expect(message).not.toMatch(/[\n\u001b]/);
  });
});

describe('options of a manager', () => {
  it.each(Object.entries(managerRules))('%s', (name, { wrong, right, expected }) => {
    for (const value of wrong) {
      expect(() => construct({ [name]: value })).toThrow(expect.objectContaining(refusal(name, expected, value)));
    }
    for (const value of [...right, undefined]) construct({ [name]: value });
  });

  it.each(limitNames)('limits.%s', (name) => {
    for (const value of limit.wrong) {
      const refused = refusal(`limits.${name}`, limit.expected, value);
      expect(() => construct({ limits: { [name]: value } })).toThrow(expect.objectContaining(refused));
    }
    for (const value of [...limit.right, undefined]) construct({ limits: { [name]: value } });
  });

  it('must all be known, including those of the limits', () => {
    const all = `one of: ${Object.keys(managerRules).join(', ')}`;
    for (const name of ['limit', 'maxSockets', 'constructor']) {
      expect(() => construct({ [name]: 5 })).toThrow(expect.objectContaining(refusal(name, all, 5)));
    }
    const limits = `one of: ${limitNames.join(', ')}`;
    for (const name of ['maxsockets', 'max', 'constructor']) {
      const refused = refusal(`limits.${name}`, limits, 5);
      expect(() => construct({ limits: { [name]: 5 } })).toThrow(expect.objectContaining(refused));
    }
  });

  it('must be an object', () => {
    for (const options of [null, 5, 'x', true, [], () => {}]) {
      expect(() => construct(options)).toThrow(expect.objectContaining(refusal('options', 'an object', options)));
    }
    construct(undefined);
    construct({});
  });

  it('are read once: later changes of the objects have no effect', () =>
    withDirectory(async (directory) => {
      const limits = { maxSockets: 1 };
      const allowedDirectories = [directory];
      await using manager = new SocketManager({ limits, allowedDirectories });
      limits.maxSockets = 5;
      allowedDirectories[0] = '/none';
      await using reference = await manager.acquire(`${directory}/a`, { serve: greet });
      expect(reference.isActive).toBe(true);
      await expect(manager.acquire(`${directory}/b`, { serve: greet })).rejects.toMatchObject({ limit: 'maxSockets' });
    }));
});

describe('options of connect', () => {
  it.each([
    ['timeoutMs', timeout],
    ['signal', acquireRules.signal],
    ['allowHalfOpen', managerRules.traceLeaks],
  ] as const)('%s', (name, { wrong, right, expected }) =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      await using reference = await manager.acquire(`${directory}/a`, { serve: greet });
      for (const value of wrong) {
        const connected = reference.connect({ [name]: value });
        await expect(connected, String(value)).rejects.toMatchObject(refusal(name, expected, value));
      }
      for (const value of right) {
        if (value === Number.MIN_VALUE) continue;
        const socket = await reference.connect({ [name]: value });
        socket.destroy();
      }
      await expect(reference.connect({ timeout: 5 } as never)).rejects.toMatchObject({
        option: 'timeout',
        expected: 'one of: timeoutMs, signal, allowHalfOpen',
      });
    }),
  );
});
