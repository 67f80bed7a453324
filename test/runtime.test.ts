import { acquire, SocketManager } from 'sockref';
import { StartSocketConnectionWithReference } from 'sockref/glide';
import { expect, it, onTestFinished } from 'vitest';
import { unsupportedRuntime } from '#src/runtime.js';

/** Pretends to be another runtime for the rest of the test. */
function withGlobal(of: object, name: string, value: unknown): void {
  const before = Object.getOwnPropertyDescriptor(of, name);
  onTestFinished(() => {
    if (before) Object.defineProperty(of, name, before);
    else Reflect.deleteProperty(of, name);
  });
  Object.defineProperty(of, name, { value, configurable: true, writable: true });
}

it('accepts this runtime', () => {
  expect(unsupportedRuntime()).toBeUndefined();
});

it('says which Node is needed, and which one runs', () => {
  withGlobal(process, 'getBuiltinModule', undefined);
  expect(unsupportedRuntime()).toBe(
    `sockref needs Node 20 from 20.19, Node 22 from 22.3, or a newer one, and this is Node ${process.versions.node}`,
  );
});

it('refuses Deno by a rejection, as for every failure', async () => {
  await SocketManager.default.close();
  withGlobal(globalThis, 'Deno', {});
  const refused = { code: 'ERR_SOCKREF_UNSUPPORTED', message: expect.stringContaining('does not run on Deno') };
  await expect(acquire('a.sock', { serve: () => {} })).rejects.toMatchObject(refused);
  await expect(StartSocketConnectionWithReference('/tmp/a.sock')).rejects.toMatchObject(refused);
  expect(() => new SocketManager()).toThrow(expect.objectContaining(refused));
});
