/** Knows from the kernel which keepers and servers exist, and checks the library's answers against that. */

import { readdirSync, readFileSync } from 'node:fs';

/** @typedef {import('sockref').SocketInfo} SocketInfo */

/**
 * @typedef {object} Sighting
 * @property {'keeper' | 'server'} kind
 * @property {string} command
 * @property {number | undefined} gone when it was first missed
 */

export class Witness {
  #directory;
  #cast;
  /** Every keeper and server that was ever seen. @type {Map<number, Sighting>} */
  #seen = new Map();
  /** Processes that do not belong to the lab. @type {Set<number>} */
  #unrelated = new Set();

  /**
   * @param {string} directory
   * @param {import('./cast.mjs').Cast} cast
   */
  constructor(directory, cast) {
    this.#directory = directory;
    this.#cast = cast;
  }

  /** Living keepers, as far as was seen. */
  get keepers() {
    return this.#living('keeper');
  }

  /** Living servers, as far as was seen. */
  get servers() {
    return this.#living('server');
  }

  /** Looks which processes exist now. */
  look() {
    const now = performance.now();
    const there = new Set(readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : [])));
    for (const pid of this.#unrelated) if (!there.has(pid)) this.#unrelated.delete(pid);
    for (const [pid, sighting] of this.#seen) {
      if (sighting.gone === undefined && commandOf(pid) === '') sighting.gone = now;
    }
    for (const pid of there) {
      const known = this.#seen.get(pid);
      // A process id can be reused.
      if (!this.#unrelated.has(pid) && (!known || known.gone !== undefined || known.command !== commandOf(pid)))
        this.#meet(pid);
    }
  }

  /**
   * The errors in an answer: each named process must have lived at the time of the question, or later.
   *
   * @param {SocketInfo} info
   * @param {number} asked when
   * @returns {string[]}
   */
  lies(info, asked) {
    const { owner, members, moreMembers, references, server, state } = info;
    const lies = [];
    // The owner of a stale socket is dead, and the answer says so.
    if (owner && state !== 'stale' && !this.#livedAt(owner.pid, 'keeper', asked)) {
      lies.push(`its owner ${owner.pid} was not there`);
    }
    for (const { pid } of members)
      if (!this.#livedAt(pid, undefined, asked)) lies.push(`its member ${pid} was not there`);
    const sum = [...(owner ? [owner] : []), ...members].reduce((all, holder) => all + holder.references, 0);
    // The command line gives null for an unknown value.
    if (typeof references === 'number' && moreMembers === 0 && references !== sum) {
      lies.push(`it has ${references} references, and its holders have ${sum}`);
    }
    if (typeof server?.pid === 'number' && !this.#livedAt(server.pid, 'server', asked)) {
      lies.push(`its server ${server.pid} was not there`);
    }
    return lies.map((lie) => `${info.path} is said to be ${state}, and ${lie}: ${JSON.stringify(info)}`);
  }

  /**
   * @param {number} pid
   * @param {Sighting['kind'] | undefined} kind what it may be besides one of the cast
   * @param {number} asked
   */
  #livedAt(pid, kind, asked) {
    if (kind !== 'server' && this.#cast.knows(pid)) return this.#cast.livedAt(pid, asked);
    // It may have started since the last look, or have become a server: a server begins as a copy of its keeper.
    if (this.#seen.get(pid)?.kind !== kind) this.#meet(pid);
    const sighting = this.#seen.get(pid);
    // A process that lived only between two looks is at least in a log or in the ledger.
    if (!sighting) return kind !== undefined && this.#leftAWord(pid);
    return sighting.kind === kind && (sighting.gone === undefined || sighting.gone >= asked);
  }

  /** @param {number} pid */
  #meet(pid) {
    const command = commandOf(pid);
    // It counts as a server from its start on, when it still is the shell that waits for its line.
    const kind = command.includes('/labserver')
      ? 'server'
      : command.includes('/keeper/main.cjs')
        ? 'keeper'
        : undefined;
    const isOurs = `${command}\0${textOf(`/proc/${pid}/environ`)}`.includes(this.#directory);
    if (isOurs && kind) this.#seen.set(pid, { kind, command, gone: undefined });
    // A process of ours that is neither may become one by `exec`.
    else if (!isOurs) this.#unrelated.add(pid);
  }

  /** @param {number} pid */
  #leftAWord(pid) {
    const logs = `${this.#directory}/state/sockref`;
    const texts = readdirSync(logs).map((name) => textOf(`${logs}/${name}`));
    return [textOf(`${this.#directory}/state/ledger`), ...texts].some((text) => new RegExp(`\\b${pid}\\b`).test(text));
  }

  /** @param {Sighting['kind']} kind */
  #living(kind) {
    return [...this.#seen].flatMap(([pid, one]) => (one.kind === kind && one.gone === undefined ? [pid] : []));
  }
}

/**
 * Undefined for a process that has ended, even if its parent has not read its status yet.
 *
 * @param {number} pid
 */
function commandOf(pid) {
  return textOf(`/proc/${pid}/cmdline`);
}

/** @param {string} file */
function textOf(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
