import { constants } from 'node:os';
import { SocketReferenceError } from 'sockref';
import { describe, expect, it } from 'vitest';
import { errnoOf, systemError } from '#src/errors/system.js';

const path = '/run/app.sock';

function failure(code: string, errno?: number): Error {
  return Object.assign(new Error(`${code}: it failed`), { code, errno, syscall: 'open' });
}

describe('errnoOf', () => {
  it('is the name of a system error', () => {
    expect(errnoOf(failure('ENOENT'))).toBe('ENOENT');
  });

  it.each(['EDQUOT', 'ENOLCK'] as const)('finds %s by its number, for which libuv has no name', (name) => {
    const number = -constants.errno[name];
    expect(errnoOf(failure('UNKNOWN', number))).toBe(name);
    expect(errnoOf(failure(`Unknown system error ${number}`, number))).toBe(name);
    expect(errnoOf(failure(`Unknown system error ${number}`))).toBe(name);
  });

  it('is found by the shape, because the errors of Node may be of another realm', () => {
    expect(errnoOf({ code: 'ENOENT' })).toBe('ENOENT');
  });

  it.each([
    ['a number that means nothing', failure('UNKNOWN', -99_999)],
    ['an unknown error without a number', failure('UNKNOWN')],
    ['an error without a code', new Error('no')],
    ['a code that is a number', Object.assign(new Error('no'), { code: 5 })],
    ['an object without a code', {}],
    ['a text', 'ENOENT'],
    ['null', null],
    ['undefined', undefined],
  ])('is undefined for %s', (_, error) => {
    expect(errnoOf(error)).toBeUndefined();
  });
});

describe('systemError', () => {
  it.each([
    ['EACCES', 'ERR_SOCKREF_PERMISSION_DENIED', 'write and search permission'],
    ['EPERM', 'ERR_SOCKREF_PERMISSION_DENIED', 'write and search permission'],
    ['EROFS', 'ERR_SOCKREF_PERMISSION_DENIED', 'write and search permission'],
    ['ERR_ACCESS_DENIED', 'ERR_SOCKREF_PERMISSION_DENIED', '--allow-fs-write'],
    ['EMFILE', 'ERR_SOCKREF_LIMIT_EXCEEDED', 'ulimit -n'],
    ['ENFILE', 'ERR_SOCKREF_LIMIT_EXCEEDED', 'fs.file-max'],
    ['ENOSPC', 'ERR_SOCKREF_LIMIT_EXCEEDED', 'make room on the file system'],
    ['EDQUOT', 'ERR_SOCKREF_LIMIT_EXCEEDED', 'make room in your quota'],
    ['ENOTSUP', 'ERR_SOCKREF_UNSUPPORTED', 'local file system'],
    ['EOPNOTSUPP', 'ERR_SOCKREF_UNSUPPORTED', 'local file system'],
    ['ENOSYS', 'ERR_SOCKREF_UNSUPPORTED', 'local file system'],
    ['ENOLCK', 'ERR_SOCKREF_UNSUPPORTED', 'local file system'],
    ['EIO', 'ERR_SOCKREF_SYSTEM', 'open failed with EIO'],
  ])('makes %s a %s that says what to do', (errno, code, says) => {
    const cause = failure(errno);
    const error = systemError(cause, path, 'start it');
    expect(error).toMatchObject({ code, errno, syscall: 'open', path });
    expect(error.cause).toBe(cause);
    expect(error.message).toContain(`Cannot start it: open failed with ${errno}`);
    expect(error.message).toContain(says);
    expect('limit' in error && error.limit !== undefined).toBe(code === 'ERR_SOCKREF_LIMIT_EXCEEDED');
  });

  it('does not change one of our errors', () => {
    const ours = new SocketReferenceError('ERR_SOCKREF_CLOSED', 'closed', { path: '/other', reason: 'closed' });
    expect(systemError(ours, path, 'start it')).toBe(ours);
  });

  it('keeps the message of an error that is not from the system', () => {
    const mistake = new Error('the private directory was emptied');
    const error = systemError(mistake, path, 'start it');
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_SYSTEM', path, cause: mistake });
    expect(error.errno).toBeUndefined();
    expect(error.message).toBe('Cannot start it: Error: the private directory was emptied');
    expect(systemError(undefined, path, 'start it').message).toBe('Cannot start it: undefined');
    expect(systemError('why', path, 'start it').message).toBe('Cannot start it: why');
  });

  it('names the system where the call is not known', () => {
    const error = systemError(Object.assign(new Error('no'), { code: 'EIO' }), path, 'start it');
    expect(error.message).toBe('Cannot start it: the system failed with EIO');
    expect(error.syscall).toBeUndefined();
  });
});
