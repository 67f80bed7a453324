/** Kills a keeper, or who has it started, at every system call of each phase of a socket's life. See README.md. */

import { drive } from '../crash/drive.mjs';
import { phases } from './phases.mjs';

await drive('keeper-crash', phases);
