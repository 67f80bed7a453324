import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { Interleaving, type Operation } from '../helpers/interleaving.js';

const nightly = process.env['SOCKREF_NIGHTLY'] === '1';
const numRuns = Number(process.env['FC_NUM_RUNS'] ?? (nightly ? 10_000 : 500));

const pathCount = 3;
const path = fc.nat(pathCount - 1);
const pick = fc.nat(20);

/** Operations that make references are frequent; those that end everything at once are rare. */
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('acquire'), path, abortable: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('acquire-aborted'), path }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('abort'), pick }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('clone'), pick }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('close'), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('close-twice'), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('get-existing'), path }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('connect'), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('force'), path }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clean-up-all') }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('turn'), turns: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('settle') }) },
);

it('counts correctly and gives no reference to a dead socket, in every interleaving of operations', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 40 }), (operations) =>
      withDirectory(async (directory) => {
        run++;
        const interleaving = new Interleaving(directory, pathCount);
        for (const each of operations) await interleaving.step(each);
        await interleaving.finish();
      }),
    ),
    // The time is a watchdog: an interleaving that hangs is a counterexample, too.
    { numRuns, timeout: 20_000 },
  );
  expect(run).toBeGreaterThanOrEqual(numRuns);
});
