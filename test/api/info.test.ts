import { describe, expect, it } from 'vitest';
import { infoOf } from '#src/api/info-of.js';
import type { Holders } from '#src/control/messages.js';
import type { OwnerRecord } from '#src/files/record.js';

const path = '/run/app.sock';
const record = { pid: 7, since: 99 } as OwnerRecord;

describe('the information about a socket', () => {
  it('is undefined where there is no socket', () => {
    expect(infoOf(path, { kind: 'nothing' })).toBeUndefined();
  });

  it('is what its owner answered, in the form of the public API', () => {
    const owner = { pid: 7, label: 'server', references: 2, since: 10, canServe: true };
    const member = { pid: 8, thread: 3, references: 1, since: 11, canServe: false };
    const holders: Holders = {
      type: 'holders',
      state: 'lingering',
      owner,
      members: [member],
      more: 5,
      total: 9,
      since: 10,
    };
    expect(infoOf(path, { kind: 'answered', holders })).toEqual({
      path,
      state: 'lingering',
      owner: { ...owner, thread: undefined },
      references: 9,
      members: [{ ...member, label: undefined }],
      moreMembers: 5,
      since: 10,
    });
  });

  it.each([
    ['unresponsive', { kind: 'silent', connected: true, record }],
    ['starting', { kind: 'silent', connected: false, record }],
    ['stale', { kind: 'stale', record }],
  ] as const)('is what the record says where no owner answers: %s', (state, finding) => {
    expect(infoOf(path, finding)).toEqual({
      path,
      state,
      owner: { pid: 7, thread: undefined, label: undefined, references: 0, since: 99, canServe: true },
      references: undefined,
      members: [],
      moreMembers: 0,
      since: 99,
    });
  });

  it.each([
    ['unresponsive', { kind: 'silent', connected: true, record: undefined }],
    ['starting', { kind: 'silent', connected: false, record: undefined }],
    ['stale', { kind: 'stale', record: undefined }],
  ] as const)('is only the state where nothing was recorded yet: %s', (state, finding) => {
    expect(infoOf(path, finding)).toMatchObject({ path, state, owner: undefined, since: undefined, members: [] });
  });
});
