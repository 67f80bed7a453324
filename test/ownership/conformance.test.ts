import { conforms } from '../helpers/conformance.js';

conforms([
  ['same', 'same'],
  ['manager', 'manager'],
  ['copy', 'copy'],
  ['thread', 'thread'],
  ['process', 'process'],
  ['same', 'copy'],
  ['copy', 'process'],
  ['thread', 'copy'],
  ['thread', 'process'],
  ['process', 'copy'],
  ['process', 'thread'],
]);
