import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Answer, Kind, Participant } from './participant.js';
import { until } from './until.js';

/** A command for one participant, with the expected answer. */
interface CommandStep {
  readonly on: string;
  readonly do: string;
  readonly as?: string;
  readonly of?: string;
  readonly socket?: string;
  readonly later?: string;
  readonly expect?: Record<string, unknown>;
}

/** One step of a scenario; see test/scenarios/README.md. */
type Step =
  | CommandStep
  | { readonly eventually: CommandStep | { readonly empty: true } }
  | { readonly together: readonly Step[] }
  | { readonly repeat: number; readonly steps: readonly Step[] }
  | { readonly await: string; readonly expect?: Record<string, unknown> }
  | { readonly everywhere: { readonly count: number } }
  | { readonly oneOwner: readonly string[] }
  | { readonly crash: string }
  | { readonly exit: string }
  | { readonly empty: true };

/** A scenario, as data: what participants do, and the expected result. */
export interface Scenario {
  readonly name: string;
  readonly participants: readonly string[];
  /** Whether each participant needs its own lease, so that no two may share one manager. */
  readonly separate?: boolean;
  readonly steps: readonly Step[];
}

const folder = fileURLToPath(new URL('../scenarios/', import.meta.url));

/** Every scenario in test/scenarios, by the name of its file. */
export function scenarios(): Scenario[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Scenario);
}

/** Whether a scenario can be played with participants of these kinds. */
export function playable(scenario: Scenario, kindOf: (name: string) => Kind): boolean {
  if (scenario.separate && scenario.participants.some((name) => kindOf(name) === 'same')) return false;
  return ends(scenario.steps).every((name) => ['thread', 'process', 'python'].includes(kindOf(name)));
}

/** The participants that crash or exit. */
function ends(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if ('crash' in step) return [step.crash];
    if ('exit' in step) return [step.exit];
    if ('together' in step) return ends(step.together);
    return 'steps' in step ? ends(step.steps) : [];
  });
}

/** Commands whose `path` is the scenario's socket if they name none. */
const aboutSocket = new Set(['acquire', 'existing', 'known', 'cleanup', 'inspect']);

/** Plays scenarios. */
export class Player {
  readonly #directory: string;
  readonly #cast: ReadonlyMap<string, Participant>;
  /** Handles that are open, by name, with the participant that has them. */
  readonly #open = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<Answer>>();
  readonly #standing: Set<string>;

  constructor(directory: string, cast: ReadonlyMap<string, Participant>) {
    this.#directory = directory;
    this.#cast = cast;
    this.#standing = new Set(cast.keys());
  }

  /** The participants that have neither crashed nor exited. */
  get standing(): readonly string[] {
    return [...this.#standing];
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const [index, step] of steps.entries()) {
      try {
        await this.#step(step);
      } catch (error) {
        if (error instanceof Error) error.message = `step ${index} ${JSON.stringify(step)}: ${error.message}`;
        throw error;
      }
    }
  }

  async #step(step: Step): Promise<void> {
    if ('together' in step) await Promise.all(step.together.map((part) => this.#step(part)));
    else if ('steps' in step) for (let round = 0; round < step.repeat; round++) await this.play(step.steps);
    else if ('eventually' in step) await this.#eventually(step.eventually);
    else if ('await' in step) this.#match(await this.#underWay.get(step.await), step.expect);
    else if ('everywhere' in step) await this.#everywhere(step.everywhere.count);
    else if ('oneOwner' in step) await this.#oneOwner(step.oneOwner);
    else if ('crash' in step) await this.#gone(step.crash, (who) => who.crash());
    else if ('exit' in step) await this.#gone(step.exit, (who) => who.exit());
    else if ('empty' in step) expect(readdirSync(this.#directory)).toEqual([]);
    else await this.#command(step);
  }

  async #command(step: CommandStep): Promise<void> {
    const answered = this.#ask(step);
    if (step.later) {
      this.#underWay.set(step.later, answered);
      answered.catch(() => {});
      return;
    }
    const answer = await answered;
    this.#match(answer, step.expect);
  }

  async #ask({ on, socket, later: _, expect: __, ...command }: CommandStep): Promise<Answer> {
    const place = aboutSocket.has(command.do) ? { path: join(this.#directory, socket ?? 'app.sock') } : {};
    const directory = command.do === 'list' ? { directory: this.#directory } : {};
    const answer = await this.#participant(on).call({ ...place, ...directory, ...command });
    const { as, of } = command;
    if (as && !answer['error'] && answer['found'] !== false) this.#open.set(as, on);
    if (of && ['close', 'drop'].includes(command.do)) this.#open.delete(of);
    return answer;
  }

  async #eventually(step: CommandStep | { readonly empty: true }): Promise<void> {
    let last: unknown;
    const holds = async (): Promise<boolean> => {
      try {
        await this.#step(step);
        return true;
      } catch (error) {
        last = error;
        return false;
      }
    };
    // The last observed values say more than a timeout.
    await until('it holds', holds).catch(() => {
      throw last;
    });
  }

  async #everywhere(count: number): Promise<void> {
    for (const [of, on] of this.#open) await this.#eventually({ on, do: 'count', of, expect: { count } });
  }

  async #oneOwner(handles: readonly string[]): Promise<void> {
    await until(`one of ${handles} is the owner and the others are attached to it`, async () => {
      const roles = await Promise.all(
        handles.map(async (of) => (await this.#ask({ on: this.#holder(of), do: 'role', of }))['role']),
      );
      return roles.filter((role) => role === 'owner').length === 1;
    });
  }

  async #gone(name: string, end: (who: Participant) => Promise<void>): Promise<void> {
    for (const [handle, holder] of this.#open) if (holder === name) this.#open.delete(handle);
    this.#standing.delete(name);
    await end(this.#participant(name));
  }

  #participant(name: string): Participant {
    const found = this.#cast.get(name);
    if (!found) throw new Error(`no participant ${name}`);
    return found;
  }

  #holder(handle: string): string {
    const found = this.#open.get(handle);
    if (!found) throw new Error(`no handle ${handle}`);
    return found;
  }

  #match(answer: Answer | undefined, expected: Record<string, unknown> | undefined): void {
    if (!answer) throw new Error('nothing is under way by that name');
    if (!expected || !('error' in expected)) expect(answer['error'], 'the command failed').toBeUndefined();
    if (expected) expect(answer).toMatchObject(this.#translate(expected) as object);
  }

  /** Expectations that are not plain values. */
  #translate(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#translate(item));
    if (typeof value !== 'object' || value === null) return value;
    if ('oneOf' in value) return expect.toSatisfy((found: unknown) => (value.oneOf as unknown[]).includes(found));
    if ('pidOf' in value) return this.#participant(value.pidOf as string).pid;
    if ('contains' in value) return expect.stringContaining(value.contains as string);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#translate(item)]));
  }
}
