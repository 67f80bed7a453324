import { closeSync, constants, openSync } from 'node:fs';
import { SocketReferenceError } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { keepExternal, lookedForFrom } from '../installation.js';
import { bunLocks } from './bun-locks.js';

/** Locks on open files, which Node itself does not have. */
export interface NativeLocks {
  tryLock(fd: number): boolean;
  unlock(fd: number): void;
}

const packageName = 'fs-native-extensions';

/**
 * The version whose addon is called directly. The package searches for its addon with fifteen modules, which takes most of the
 * time of a first acquire. The addon's own functions may differ in another version.
 */
const knownVersion = '1.5.1';

/** What the addon of that version has. */
interface Addon {
  tryLock(fd: number, offset: number, length: number, exclusive: boolean): void;
  unlock(fd: number, offset: number, length: number): void;
}

let loaded: NativeLocks | undefined;

/**
 * Loads the native locks at first use: importing this package loads no native code.
 *
 * @throws SocketReferenceError `ERR_SOCKREF_UNSUPPORTED`, which says why they cannot be loaded
 */
export function nativeLocks(path: string): NativeLocks {
  loaded ??= load(path);
  return loaded;
}

function load(path: string): NativeLocks {
  const { createRequire } = process.getBuiltinModule('node:module');
  let cause: unknown;
  for (const file of lookedForFrom()) {
    try {
      const require = createRequire(file);
      if (process.versions['bun'] !== undefined) return bunLocks(require);
      return addonLocks(require) ?? (require(packageName) as NativeLocks);
    } catch (error) {
      cause = error;
      if (errnoOf(error) !== 'MODULE_NOT_FOUND') break;
    }
  }
  const exhausted = [cause, tryToOpen()].find((error) => ['EMFILE', 'ENFILE'].includes(errnoOf(error) ?? ''));
  if (exhausted) throw systemError(exhausted, path, 'load the file locks');
  const message = `The native file locks ("${packageName}") ${whyNot(cause)}`;
  throw new SocketReferenceError('ERR_SOCKREF_UNSUPPORTED', message, { path, cause });
}

/** The locks of the addon itself; undefined if the package has to find it. */
function addonLocks(require: NodeJS.Require): NativeLocks | undefined {
  let addon: Addon;
  try {
    if (require(`${packageName}/package.json`).version !== knownVersion) return undefined;
    addon = require(`${packageName}/prebuilds/${process.platform}-${process.arch}/${packageName}.node`) as Addon;
  } catch {
    // The package knows other files, and says best why it has none.
    return undefined;
  }
  return {
    tryLock(fd) {
      try {
        // From 0, and 0 bytes: the whole file.
        addon.tryLock(fd, 0, 0, true);
        return true;
      } catch (error) {
        if (errnoOf(error) === 'EAGAIN') return false;
        throw error;
      }
    },
    unlock: (fd) => addon.unlock(fd, 0, 0),
  };
}

/** Each reason why they cannot be loaded, and what to do about it. */
function whyNot(cause: unknown): string {
  const codes = codesOf(cause);
  if (codes.includes('ERR_ACCESS_DENIED') || codes.includes('ERR_DLOPEN_DISABLED')) {
    return "may not be loaded under Node's permission model; pass --allow-addons and --allow-fs-read=*";
  }
  if (codes.includes('ADDON_NOT_FOUND')) {
    return (
      `have no build for ${process.platform}-${process.arch} with this C library; ` +
      'there are builds for Linux with glibc and for macOS, on x64 and arm64'
    );
  }
  if (cause === undefined || codes.includes('MODULE_NOT_FOUND')) {
    return `are not installed; install "sockref" with its dependencies, and where the program is bundled ${keepExternal}`;
  }
  return `cannot be loaded on ${process.platform}-${process.arch}; see the cause of this error`;
}

/** The codes of an error and of its causes: the innermost one names what failed. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let each = error; each !== undefined && each !== null; each = (each as { cause?: unknown }).cause) {
    codes.push(errnoOf(each) ?? '');
  }
  return codes;
}

/**
 * Why no file can be opened, if so: some versions of Node report "not found" for a module when no descriptor is free.
 */
function tryToOpen(): unknown {
  try {
    closeSync(openSync('/', constants.O_RDONLY));
    return undefined;
  } catch (error) {
    return error;
  }
}
