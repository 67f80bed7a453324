import type { SocketReferenceError } from '../errors/error.js';
import { noProcessServes } from '../ownership/reasons.js';
import type { CommandName } from './commands.js';
import { asGiven } from './duration.js';
import { elsewhere } from './elsewhere.js';

/** The flags of the command line for the library's options. */
const flags: Readonly<Record<string, string>> = {
  label: '--label',
  timeoutMs: '--timeout',
  lingerMs: '--linger',
  'server.command': '--serve',
  'server.readyTimeoutMs': '--ready-timeout',
  'server.stopTimeoutMs': '--stop-timeout',
};

/**
 * The message of an error, with advice that fits the command: the library's advice names options that the command line
 * calls otherwise or does not have.
 */
export function adviceFor(error: SocketReferenceError, command: CommandName | undefined): string {
  const { code, message, path, timeoutMs, waitingFor, option, expected, received } = error;
  const given = asGiven(timeoutMs ?? 0);
  switch (code) {
    case 'ERR_SOCKREF_NOT_SERVED':
      return notServed(path, command);
    case 'ERR_SOCKREF_TIMEOUT':
      return `${path} was not acquired within ${given}; it was waiting for ${waitingFor}; pass a longer --timeout`;
    case 'ERR_SOCKREF_OWNER_LOST':
      return `The owner of ${path} is gone, and no other took over within ${given}${command === 'run' ? '; with --serve this process could have' : '; connect again'}`;
    case 'ERR_SOCKREF_SERVER_FAILED':
      return message.replace(/(\d+) ms \(readyTimeoutMs\)/, (_, ms) => `${asGiven(Number(ms))} (--ready-timeout)`);
    case 'ERR_SOCKREF_ADDRESS_IN_USE':
      return message.replace("pass reclaim: 'stale' or ", '');
    case 'ERR_SOCKREF_INVALID_PATH':
      return message.replace('pass nothing, a bare name', 'give a bare name');
    case 'ERR_SOCKREF_PATH_TOO_LONG':
      return message.replace('(activate: true)', '(--activate)');
    case 'ERR_SOCKREF_INVALID_OPTION': {
      const flag = flags[option ?? ''];
      return flag === undefined ? message : `${flag} must be ${expected}, and is ${received}`;
    }
    default:
      return message;
  }
}

/** The message about a socket that is not served, with what this command can do about it. */
export function notServed(path: string | undefined, command: CommandName | undefined): string {
  const other = path === undefined ? undefined : elsewhere(path)[0];
  const there =
    other === undefined
      ? ''
      : `, but there is ${other}, in the default directory of another environment (SOCKREF_DIR, XDG_RUNTIME_DIR)`;
  return `${noProcessServes(path ?? 'it')}${there}; ${remedy(command)}`;
}

function remedy(command: CommandName | undefined): string {
  switch (command) {
    case 'run':
      return "give the server with --serve 'COMMAND {socket}', or name it in sockref.config.json";
    case 'connect':
      return "start it first (sockref run NAME --serve 'COMMAND {socket}' -- COMMAND), or see what is there (sockref ls)";
    default:
      return 'sockref ls shows what is there';
  }
}
