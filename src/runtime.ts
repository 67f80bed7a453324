/** The versions in `engines` of package.json. Others lack `process.getBuiltinModule()`. */
const neededNode = '20 from 20.19, Node 22 from 22.3, or a newer one';

/**
 * Why sockref cannot run on this runtime; undefined if it can. It loads nothing, so that it can report before anything
 * breaks.
 */
export function unsupportedRuntime(): string | undefined {
  // First, because there the native locks end the process when they are loaded, and no error can be caught.
  if ('Deno' in globalThis || process.versions['deno'] !== undefined) {
    return 'sockref does not run on Deno, which cannot load its native file locks; use Node or Bun';
  }
  if (typeof process.getBuiltinModule !== 'function') {
    return `sockref needs Node ${neededNode}, and this is Node ${process.versions.node}`;
  }
  return undefined;
}
