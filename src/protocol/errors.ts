// Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.

/** What an error carries; which code has which field is listed in docs/errors.md. */
export interface ErrorFields {
  /** The path of the socket, in canonical form if it was known. */
  readonly path?: string;
  /** The rule that was broken, as a stable word. */
  readonly reason?: string;
  /** The option that was refused. */
  readonly option?: string;
  /** What the option must be. */
  readonly expected?: string;
  /** What the option was, quoted and shortened. */
  readonly received?: string;
  /** The name of the limit that was met. */
  readonly limit?: string;
  /** The value of that limit. */
  readonly max?: number;
  /** The number of bytes of a path that is too long. */
  readonly length?: number;
  /** The directory in question. */
  readonly directory?: string;
  /** The user id of the owner of what was found. */
  readonly uid?: number;
  /** The permission bits of what was found. */
  readonly mode?: number;
  /** What kind of file is at the path. */
  readonly found?: string;
  /** The process that blocks the operation. */
  readonly pid?: number;
  /** The time that was allowed, in milliseconds. */
  readonly timeoutMs?: number;
  /** What the operation was waiting for. */
  readonly waitingFor?: string;
  /** The name of the system's error, such as `EACCES`. */
  readonly errno?: string;
  /** The system call that failed. */
  readonly syscall?: string;
  /** The exit status of a server. */
  readonly exitCode?: number;
  /** The end of what a server wrote to stderr. */
  readonly stderr?: string;
  /** The protocol version of this process. */
  readonly ours?: number;
  /** The protocol version of the other process. */
  readonly theirs?: number;
}

/** Every error code, with the fields that it can carry. */
export const errorFields = {
  /** The path breaks a rule; `reason` names the rule. */
  ERR_SOCKREF_INVALID_PATH: ['path', 'reason'],
  /** The canonical path has more UTF-8 bytes than a socket address takes. */
  ERR_SOCKREF_PATH_TOO_LONG: ['path', 'length', 'max'],
  /** An option is unknown, has the wrong type, or is out of range. */
  ERR_SOCKREF_INVALID_OPTION: ['option', 'expected', 'received'],
  /** The directory of the socket does not exist, or is not a directory; or the working directory was removed. */
  ERR_SOCKREF_DIRECTORY_NOT_FOUND: ['path', 'directory'],
  /** The directory belongs to another user, or other users can replace files in it. */
  ERR_SOCKREF_UNSAFE_DIRECTORY: ['path', 'directory', 'uid', 'mode', 'reason'],
  /** A file that sockref did not create is at one of the paths of the socket. */
  ERR_SOCKREF_ADDRESS_IN_USE: ['path', 'found', 'uid'],
  /** The system refused with EACCES, EPERM or EROFS. */
  ERR_SOCKREF_PERMISSION_DENIED: ['path', 'errno', 'syscall'],
  /** A limit of the manager, of the process or of the disk is reached (EMFILE, ENFILE, ENOSPC, EDQUOT). */
  ERR_SOCKREF_LIMIT_EXCEEDED: ['path', 'limit', 'max', 'errno', 'syscall'],
  /** The acquire can only join, and the socket is not served. */
  ERR_SOCKREF_NOT_SERVED: ['path'],
  /** The server behind the socket could not be started, or failed too often. */
  ERR_SOCKREF_SERVER_FAILED: ['path', 'reason', 'exitCode', 'stderr'],
  /** The operation was not done within its timeout. */
  ERR_SOCKREF_TIMEOUT: ['path', 'timeoutMs', 'waitingFor', 'stderr'],
  /** A living process holds the lock of the socket but does not answer. */
  ERR_SOCKREF_OWNER_UNRESPONSIVE: ['path', 'pid', 'timeoutMs'],
  /** The owner is gone and no new owner appeared within `failoverTimeoutMs`. */
  ERR_SOCKREF_OWNER_LOST: ['path', 'timeoutMs'],
  /** A reference or manager was used after it was closed, cleaned up or lost. */
  ERR_SOCKREF_CLOSED: ['path', 'reason'],
  /** The process at the other end speaks another version, or sent a malformed message. */
  ERR_SOCKREF_PROTOCOL: ['path', 'ours', 'theirs'],
  /** The platform, the file system or the permissions of the process lack Unix sockets, hard links or file locks. */
  ERR_SOCKREF_UNSUPPORTED: ['path', 'errno', 'syscall'],
  /** The system refused for a reason that has no code of its own. */
  ERR_SOCKREF_SYSTEM: ['path', 'errno', 'syscall'],
} as const;

/** One of the codes of {@link SocketReferenceError}. */
export type SocketReferenceErrorCode = keyof typeof errorFields;
