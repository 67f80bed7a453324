import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SocketReferenceError } from './errors/error.js';
import { version } from './version.js';

/** A package of sockref on disk that was checked to have the version of this code. */
interface Installation {
  readonly manifest: string;
  /** The program of the keeper. */
  readonly keeper: string;
}

/** The end of every error about something that a bundler left behind. */
export const keepExternal = 'keep "sockref" external to the bundle, and install it where the program runs';

let found: Installation | undefined;

/**
 * Finds the program of the keeper. It is looked up as part of a package, never beside our own file: in a bundle that
 * file belongs to another program, and the files beside it must not be run.
 *
 * @throws SocketReferenceError `ERR_SOCKREF_UNSUPPORTED` if there is no package of the same version
 */
export function keeperProgram(path: string): string {
  if (found && existsSync(found.keeper)) return found.keeper;
  const rejected: string[] = [];
  found = findInstallation(rejected);
  if (found) return found.keeper;
  const others = rejected.length === 0 ? '' : ` (${rejected.join(', ')})`;
  throw new SocketReferenceError(
    'ERR_SOCKREF_UNSUPPORTED',
    `A command cannot be run as the server, since the package sockref ${version} is not found${others}; ${keepExternal}`,
    { path },
  );
}

/**
 * The files from which a package that we need is looked up, the likeliest first: our own file, which may be a bundle;
 * the main program, for a bundle that does not know its own file; and the package of sockref. Not the working
 * directory: that can be an untrusted checkout, whose `node_modules` must not be run.
 */
export function* lookedForFrom(): Generator<string> {
  yield* startingPoints();
  const installation = findInstallation([]);
  if (installation) yield installation.manifest;
}

function findInstallation(rejected: string[]): Installation | undefined {
  for (const from of startingPoints()) {
    const manifest = manifestFrom(from);
    if (manifest === undefined) continue;
    const keeper = join(dirname(manifest), 'dist/keeper/main.cjs');
    const theirs = readManifest(manifest);
    if (theirs?.name === 'sockref' && theirs.version === version && existsSync(keeper)) return { manifest, keeper };
    rejected.push(`${dirname(manifest)} has ${theirs?.name} ${theirs?.version}`);
  }
  return undefined;
}

/** By the rules of Node. From our own file it finds our own package under any folder name. */
function manifestFrom(file: string): string | undefined {
  try {
    return process.getBuiltinModule('node:module').createRequire(file).resolve('sockref/package.json');
  } catch {
    // Not installed there, or not readable: then it cannot be used from there.
    return undefined;
  }
}

function readManifest(file: string): { name?: unknown; version?: unknown } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) ?? undefined;
  } catch {
    // Incomplete or not readable: then it proves nothing.
    return undefined;
  }
}

function startingPoints(): string[] {
  // A CommonJS bundle has no `import.meta.url`. What it has instead does not exist in an ES module.
  const own = (import.meta.url as string | undefined) ?? (typeof __filename === 'string' ? __filename : undefined);
  return [own, programFile()].filter((file) => file !== undefined);
}

/** The program that Node was started with. A link to it, as in `node_modules/.bin`, is followed as Node does. */
function programFile(): string | undefined {
  const [, program] = process.argv;
  if (program === undefined) return undefined;
  try {
    return realpathSync(program);
  } catch {
    // No file: an argument of `node -e`, or it was removed.
    return undefined;
  }
}
