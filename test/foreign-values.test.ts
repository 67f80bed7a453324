import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isSignal } from '#src/api/check.js';
import { messageOf, stackOf } from '#src/errors/error.js';

const sources = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** The classes that a source file tests by `instanceof` although this package does not declare them. */
function foreignClasses(source: string): string[] {
  const own = [...source.matchAll(/\bclass (\w+)/g)].map(([, name]) => name);
  const imported = [...source.matchAll(/^import (?:type )?\{([^}]*)\} from '([^']+)'/gm)]
    .filter(([, , from]) => from?.startsWith('.') || from === 'commander')
    .flatMap(([, names]) => (names ?? '').split(',').map((name) => name.replace(/\btype\b/, '').trim()));
  const asked = [...source.matchAll(/^(?!\s*(?:\/\/|\*|\/\*)).*?\binstanceof\s+(\w+)/gm)].map(
    ([, name]) => name as string,
  );
  // Two copies of the package have two classes of this name, so it has a brand.
  return asked.filter((name) => name === 'SocketReferenceError' || !(own.includes(name) || imported.includes(name)));
}

describe('a value from outside', () => {
  it.each(files)('is recognised by its shape, never by its class, in %s', (file) => {
    expect(foreignClasses(readFileSync(join(sources, file), 'utf8'))).toEqual([]);
  });

  it('is found by this check', () => {
    expect(foreignClasses('if (error instanceof Error) throw error;')).toEqual(['Error']);
    expect(foreignClasses("import { Server } from 'node:net';\nlet b = a instanceof Server;")).toEqual(['Server']);
    expect(
      foreignClasses("import { A } from './a.js';\nclass B {}\nlet b = a instanceof A || a instanceof B;"),
    ).toEqual([]);
  });

  it('is a signal if it has the methods of a signal', () => {
    expect(isSignal(new AbortController().signal)).toBeUndefined();
    expect(isSignal({ aborted: false, addEventListener() {}, removeEventListener() {} })).toBeUndefined();
    for (const value of [null, undefined, {}, { aborted: true }, 'signal', new AbortController()]) {
      expect(isSignal(value)).toBe('an AbortSignal');
    }
  });

  it('has a message, of any type', () => {
    expect(messageOf({ message: 'no' })).toBe('no');
    expect([messageOf('no'), messageOf(undefined), messageOf(null), messageOf(7)]).toEqual([
      'no',
      'undefined',
      'null',
      '7',
    ]);
    expect(stackOf({ stack: 'at', message: 'no' })).toBe('at');
    expect(stackOf({ message: 'no' })).toBe('no');
  });
});
