// @ts-check
import { startProgram } from '../lib/child.mjs';
import { measure } from '../lib/measure.mjs';
import { judged } from '../lib/targets.mjs';

/** @import { Row } from '../lib/types.mjs' */

/** @type {Row} */
export const stop = {
  id: 'stop',
  title: 'Thousands of sockets stop at once',
  words:
    'A process that serves the sockets calls `cleanupAllSockets()`. The question is what else it can do meanwhile. The measure is ' +
    'the delay of its event loop, which Node measures with a timer of one millisecond. The p99 is that of the delays within one ' +
    'stop; the table has its median and p99 over several stops.',
  run: async ({ memory, choose }) => {
    const sockets = choose(5000, 500);
    let last = { ms: 0, p50: 0, p99: 0, max: 0 };
    const group = await measure({
      name: `${sockets.toLocaleString('en-US')} sockets`,
      unit: 'ms',
      rounds: choose(5, 2),
      contenders: [
        {
          role: 'ours',
          name: 'delay, p99',
          sample: async () => {
            const stopper = await startProgram('stopper');
            last = await stopper.ask('stop', { directory: memory, sockets });
            await stopper.end();
            return [last.p99];
          },
        },
        { role: 'beside', name: 'delay, median', sample: () => [last.p50] },
        { role: 'beside', name: 'delay, longest', sample: () => [last.max] },
        { role: 'beside', name: 'until all files are gone', sample: () => [last.ms] },
      ],
      targets: [
        (figures) =>
          judged({
            id: 'stop-delay',
            says: `delay of the event loop, p99, below 50 ms while ${sockets} sockets stop`,
            value: figures[0]?.median ?? Number.NaN,
            limit: 50,
            must: 'below',
            kind: 'time',
          }),
      ],
    });
    return [group];
  },
};
