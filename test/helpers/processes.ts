export { endProcessesOf, processesOf } from '../../labs/lib/processes.mjs';
