import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { whyNotRunnable } from '#src/keeper/find-program.js';
import { withDirectory } from '../helpers/directory.js';

it('finds a program on PATH, and skips unusable files and directories', () =>
  withDirectory((directory) => {
    const folders = ['empty', 'plain', 'folder', 'program'].map((name) => join(directory, name));
    for (const folder of folders) mkdirSync(folder);
    writeFileSync(join(directory, 'plain/tool'), '', { mode: 0o600 });
    mkdirSync(join(directory, 'folder/tool'));
    writeFileSync(join(directory, 'program/tool'), '');
    chmodSync(join(directory, 'program/tool'), 0o700);
    // No user can read this directory, as only its owner can read a closed one.
    const circle = join(directory, 'circle');
    symlinkSync(circle, circle);
    const path = [circle, '/missing', join(directory, 'program/tool'), ...folders];

    expect(whyNotRunnable('tool', '/', path.join(':'))).toBeUndefined();
    expect(whyNotRunnable('tool', '/', path.slice(0, -1).join(':'))).toBe('may not be executed');
    expect(whyNotRunnable('tool', '/', path.slice(0, 4).join(':'))).toBe('was not found on PATH');
    expect(whyNotRunnable('tool', directory, 'empty:program')).toBeUndefined();
    expect(whyNotRunnable('sh', '/', undefined)).toBeUndefined();

    expect(whyNotRunnable('program/tool', directory, '')).toBeUndefined();
    expect(whyNotRunnable('plain/tool', directory, '')).toBe('may not be executed');
    expect(whyNotRunnable('./tool', directory, join(directory, 'program'))).toBe('does not exist');
    expect(whyNotRunnable('folder/tool', directory, '')).toBe('does not exist');
    expect(whyNotRunnable(join(circle, 'tool'), '/', '')).toBe('does not exist');
    for (const folder of [...folders, circle]) rmSync(folder, { recursive: true });
  }));
