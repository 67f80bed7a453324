/** Every error code that sockref throws, with what it means and what to do. Code, types and docs/errors.md follow this table. */
export const errorTable = {
  ERR_SOCKREF_INVALID_PATH: {
    when: 'the path breaks a rule; `reason` names the rule',
    remedy: 'pass nothing, a bare name, or an absolute path',
    fields: ['path', 'reason'],
  },
  ERR_SOCKREF_PATH_TOO_LONG: {
    when: 'the canonical path has more UTF-8 bytes than a socket address takes',
    remedy: 'choose a shorter name or a shorter directory',
    fields: ['path', 'length', 'max'],
  },
  ERR_SOCKREF_INVALID_OPTION: {
    when: 'an option is unknown, has the wrong type, or is out of range',
    remedy: 'correct the option that the message names',
    fields: ['option', 'expected', 'received'],
  },
  ERR_SOCKREF_DIRECTORY_NOT_FOUND: {
    when: 'the directory of the socket does not exist, or is not a directory; or the working directory was removed',
    remedy: 'create the directory first, with mode 0700; or start again in a directory that exists',
    fields: ['path', 'directory'],
  },
  ERR_SOCKREF_UNSAFE_DIRECTORY: {
    when: 'the directory belongs to someone else, or others can replace files in it',
    remedy: 'change its owner or mode as the message says, or choose another directory',
    fields: ['path', 'directory', 'uid', 'mode', 'reason'],
  },
  ERR_SOCKREF_ADDRESS_IN_USE: {
    when: 'something that sockref did not put there lies at one of the paths of the socket',
    remedy:
      "remove it yourself if it is not needed, choose another path, or pass reclaim: 'stale' for a dead socket of your own",
    fields: ['path', 'found', 'uid'],
  },
  ERR_SOCKREF_PERMISSION_DENIED: {
    when: 'the system refused with EACCES, EPERM or EROFS',
    remedy: 'grant the permission on the path that the message names',
    fields: ['path', 'errno', 'syscall'],
  },
  ERR_SOCKREF_LIMIT_EXCEEDED: {
    when: 'a limit of the manager, of the process or of the disk is reached (EMFILE, ENFILE, ENOSPC, EDQUOT)',
    remedy: 'release what is not needed, or raise the limit that the message names',
    fields: ['path', 'limit', 'max', 'errno', 'syscall'],
  },
  ERR_SOCKREF_NOT_SERVED: {
    when: 'the acquire can only join, and nobody serves the socket',
    remedy: 'pass `serve` or `server`, or start the program that serves it first',
    fields: ['path'],
  },
  ERR_SOCKREF_SERVER_FAILED: {
    when: 'the server behind the socket could not be started, or failed too often',
    remedy: 'read the exit status and the end of its stderr',
    fields: ['path', 'reason', 'exitCode', 'stderr'],
  },
  ERR_SOCKREF_TIMEOUT: {
    when: 'the operation was not done within its timeout',
    remedy: 'see what it was waiting for, or pass a longer timeout',
    fields: ['path', 'timeoutMs', 'waitingFor', 'stderr'],
  },
  ERR_SOCKREF_OWNER_UNRESPONSIVE: {
    when: 'a living process holds the lock of the socket but does not answer',
    remedy:
      'what the message says: continue a process that is stopped; give one that runs more time, or look at what it is busy with',
    fields: ['path', 'pid', 'timeoutMs'],
  },
  ERR_SOCKREF_OWNER_LOST: {
    when: 'the owner is gone and no new owner appeared within `failoverTimeoutMs`',
    remedy: 'acquire again; pass `serve` or `server` so that this process can take over',
    fields: ['path', 'timeoutMs'],
  },
  ERR_SOCKREF_CLOSED: {
    when: 'a reference or manager was used after it was closed, cleaned up or lost',
    remedy: 'acquire a new reference',
    fields: ['path', 'reason'],
  },
  ERR_SOCKREF_PROTOCOL: {
    when: 'the process at the other end speaks another version, or sent something malformed',
    remedy: 'use the same major version of sockref in every program that shares the socket',
    fields: ['path', 'ours', 'theirs'],
  },
  ERR_SOCKREF_UNSUPPORTED: {
    when: 'the platform, the file system or the permissions of the process lack Unix sockets, hard links or file locks',
    remedy: 'use Linux or macOS and a local file system',
    fields: ['path', 'errno', 'syscall'],
  },
  ERR_SOCKREF_SYSTEM: {
    when: 'the system refused for a reason that has no code of its own',
    remedy: 'see `errno` and `syscall`; the cause is the error of Node',
    fields: ['path', 'errno', 'syscall'],
  },
} as const;

/** One of the codes of {@link SocketReferenceError}. */
export type SocketReferenceErrorCode = keyof typeof errorTable;
