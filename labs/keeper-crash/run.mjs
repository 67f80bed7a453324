/**
 * Kills a keeper, or the process that starts it, at every system call of each phase of a socket's life. See README.md.
 */

import { drive } from '../crash/drive.mjs';
import { phases } from './phases.mjs';

await drive('keeper-crash', phases);
