import { expect } from 'vitest';
import { runLab } from './lab.js';

/** The figures of a crash lab for one phase, or for all. */
interface Line {
  /** Points at which a process can die. */
  readonly calls: number;
  /** Points at which one did. */
  readonly tried: number;
  readonly leaks: number;
  readonly stuck: number;
  readonly counts: number;
  readonly lost: number;
  readonly servers?: number;
}

interface Figures {
  readonly seed: number;
  readonly total: Line;
  readonly phases: readonly (Line & { readonly phase: string })[];
}

/** Runs a crash lab at some of its points. Processes die there, and that must do no harm. */
export async function survives(
  lab: string,
  options: Readonly<Record<string, number>>,
  atLeast: number,
): Promise<Figures> {
  const { problems, figures } = await runLab<Figures>(lab, options);
  const given = Object.entries(options).map(([name, value]) => `--${name} ${value}`);
  console.log(`${lab} lab: ${given.join(' ')} --seed ${figures.seed}`);
  expect(problems).toEqual([]);
  const { leaks, stuck, counts, lost, servers = 0 } = figures.total;
  expect({ leaks, stuck, counts, lost, servers }).toEqual({ leaks: 0, stuck: 0, counts: 0, lost: 0, servers: 0 });
  // The points exist, and processes died at them: otherwise the test would prove nothing.
  expect(figures.phases.filter(({ calls }) => calls === 0)).toEqual([]);
  expect(figures.total.tried).toBeGreaterThanOrEqual(atLeast);
  return figures;
}
