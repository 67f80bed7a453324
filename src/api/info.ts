/** One holder of a socket: its owner or a member. */
export interface HolderInfo {
  readonly pid: number;
  /** The number of the worker thread; undefined for the main thread. */
  readonly thread: number | undefined;
  readonly label: string | undefined;
  /** How many references it holds. */
  readonly references: number;
  /** When it became a holder, in milliseconds since 1970. */
  readonly since: number;
  /** Whether it could become the owner. */
  readonly canServe: boolean;
}

/** The command that serves a socket, and its state. */
export interface ServerInfo {
  /** The process id of the server; undefined while there is none. */
  readonly pid: number | undefined;
  /** The program and its arguments, shortened, as a text that can be pasted into a shell. */
  readonly command: string;
  /** The same as a list; undefined if it is too long for a message, or if the owner has an older version. */
  readonly argv: readonly string[] | undefined;
  readonly state: 'starting' | 'running' | 'restarting';
  /** How often it was restarted after a failure. */
  readonly restarts: number;
  /** With `activate`: the server ended with status 0, and the next connection starts it. */
  readonly waiting: boolean;
  /** Why its output goes to no log; undefined if it goes to one, or if that is not known. */
  readonly noLog: string | undefined;
  /** Why clients cannot connect although the server runs: it closed its socket, or made another one. */
  readonly problem: string | undefined;
}

/** What is known about a socket. */
export interface SocketInfo {
  readonly path: string;
  /**
   * `unresponsive`: the owner lives but does not answer. `stale`: the owner is dead; the next acquire removes its
   * files.
   */
  readonly state: 'starting' | 'active' | 'lingering' | 'stopping' | 'unresponsive' | 'stale';
  /** The owner, or the last one. Of an owner that does not answer only `pid` and `since` are known. */
  readonly owner: HolderInfo | undefined;
  /** The command that serves the socket, if its owner is a keeper. */
  readonly server: ServerInfo | undefined;
  /** All references; undefined if the owner does not answer. */
  readonly references: number | undefined;
  /** The members, oldest first; at most 200. */
  readonly members: readonly HolderInfo[];
  /** How many members there are besides the listed ones. */
  readonly moreMembers: number;
  /** When the owner began to serve it, in milliseconds since 1970. */
  readonly since: number | undefined;
}
