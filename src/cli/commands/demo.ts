import type { Command } from 'commander';
import { tour } from '../demo.js';

/** `sockref demo` */
export function define(command: Command): void {
  command
    .addHelpText(
      'after',
      '\nIt works in a temporary directory and leaves nothing behind. Every line is checked; the exit status is 1 if one\n' +
        'is not as it is told.\n\nExample:\n  $ sockref demo',
    )
    .action(() => import(tour.href));
}
