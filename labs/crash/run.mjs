/** Kills a process at every system call of each phase of a socket's life. See README.md. */

import { drive } from './drive.mjs';
import { phases } from './phases.mjs';

await drive('crash', phases);
