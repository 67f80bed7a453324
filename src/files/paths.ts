import { quote, SocketReferenceError } from '../errors/error.js';
import { generatedNameDigits } from '../protocol/constants.js';
import { maxDataPathBytes, maxSocketPathBytes } from './platform.js';
import { randomDigits } from './random.js';

/** The requested path, before anything on disk was examined. */
export type RequestedPath =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'absolute'; readonly directory: string; readonly name: string };

/**
 * Checks a path by its text alone.
 *
 * @param input - undefined for a generated name, a bare name, or an absolute path
 * @throws SocketReferenceError `ERR_SOCKREF_INVALID_PATH`, with the broken rule in `reason`
 */
export function parsePath(input: unknown): RequestedPath {
  if (input === undefined) return { kind: 'name', name: `${randomDigits(generatedNameDigits)}.sock` };
  if (typeof input !== 'string') throw invalid(input, 'not-a-string', `it is ${quote(input)}, and a path is a string`);
  if (input === '') throw invalid(input, 'empty', 'the path is empty');
  if (input.trim() === '') throw invalid(input, 'blank', 'the path has only white space');
  if (input.includes('\0')) throw invalid(input, 'nul-byte', 'a path cannot contain a NUL byte');
  if (!isWellFormed(input)) throw invalid(input, 'not-unicode', 'the path has half of a surrogate pair');
  const segments = input.split('/');
  if (segments.includes('..')) throw invalid(input, 'parent-segment', "a path may not have a '..' segment");
  const name = segments[segments.length - 1] ?? '';
  if (segments.length === 1) {
    if (name === '.') throw invalid(input, 'no-file-name', "'.' is a directory");
    return { kind: 'name', name };
  }
  if (segments[0] !== '') throw invalid(input, 'relative', 'a path with a separator must be absolute');
  if (name === '' || name === '.') throw invalid(input, 'no-file-name', 'the path ends in a directory');
  const directory = segments.slice(1, -1).filter((segment) => segment !== '' && segment !== '.');
  return { kind: 'absolute', directory: `/${directory.join('/')}`, name };
}

/** The path of a name in a directory. */
export function joinPath(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

/**
 * Refuses a path that is too long for a socket address. The system would silently cut it, and two long paths could
 * become one socket.
 */
export function assertPathFits(path: string, max = maxDataPathBytes): void {
  const length = Buffer.byteLength(path);
  if (length <= max) return;
  const own = max === maxSocketPathBytes ? '' : `, of which the files beside it need ${maxSocketPathBytes - max}`;
  throw new SocketReferenceError(
    'ERR_SOCKREF_PATH_TOO_LONG',
    `The path ${quote(path)} has ${length} bytes, and here it may have ${max}: a socket address takes ` +
      `${maxSocketPathBytes}${own}; use a shorter name or a shorter directory (SOCKREF_DIR sets the default one)`,
    { path, length, max },
  );
}

/** The error for a path that breaks a rule. */
export function invalid(input: unknown, reason: string, rule: string): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_INVALID_PATH',
    `Invalid path${typeof input === 'string' ? ` ${quote(input)}` : ''}: ${rule}; pass nothing, a bare name such as "db.sock", or an absolute path`,
    { ...(typeof input === 'string' && { path: input }), reason },
  );
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** The file system would get another character in place of a lone surrogate, and two names would become one. */
function isWellFormed(text: string): boolean {
  return !loneSurrogate.test(text);
}
