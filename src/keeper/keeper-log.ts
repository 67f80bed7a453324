import { LogFile } from './log.js';

/** The keeper's own log: JSON lines. */
export interface KeeperLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  close(): void;
}

/** One that there is no place for. A keeper has nobody to complain to, and does its work without. */
const nowhere: KeeperLog = { info() {}, warn() {}, error() {}, close() {} };

/** Opens it. What writes it is loaded at this point, and not by those who only ask where it is. */
export async function openKeeperLog(file: string): Promise<KeeperLog> {
  const { pino } = await import('pino');
  let log: LogFile;
  try {
    log = LogFile.open(file);
  } catch {
    // The home of this user cannot be written to, say.
    return nowhere;
  }
  const write = (line: string): void => {
    try {
      log.write(line);
    } catch {
      // A full disk must not end the server; what is in the file so far is what there is.
    }
  };
  const lines = pino({ timestamp: pino.stdTimeFunctions.isoTime, base: { pid: process.pid } }, { write });
  return {
    info: (fields, message) => lines.info(fields, message),
    warn: (fields, message) => lines.warn(fields, message),
    error: (fields, message) => lines.error(fields, message),
    close: () => log.close(),
  };
}
