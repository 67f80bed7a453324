// @ts-check
import { Effect, Exit, RcMap, Scope } from 'effect';

/**
 * Effect's map of counted resources, with one entry that is held all the time, as the socket of the other contenders is.
 *
 * @param {string} key
 */
export function rcMap(key) {
  const scope = Scope.makeUnsafe();
  const lookup = () => Effect.acquireRelease(Effect.succeed({ count: 1 }), () => Effect.void);
  const map = Effect.runSync(RcMap.make({ lookup }).pipe(Scope.provide(scope)));
  Effect.runSync(RcMap.get(map, key).pipe(Scope.provide(scope)));
  const getAndRelease = Effect.scoped(RcMap.get(map, key));
  return {
    /** Many times within one program, which is the quickest way that there is. @param {number} times */
    program: (times) => {
      const program = Effect.gen(function* () {
        for (let i = 0; i < times; i++) yield* getAndRelease;
      });
      return () => Effect.runSync(program);
    },
    /** Once, for code that is not written in Effect: a promise to get it, and one to let go. */
    promises: async () => {
      const own = Scope.makeUnsafe();
      await Effect.runPromise(Scope.provide(RcMap.get(map, key), own));
      await Effect.runPromise(Scope.close(own, Exit.void));
    },
    end: () => Effect.runSync(Scope.close(scope, Exit.void)),
  };
}
