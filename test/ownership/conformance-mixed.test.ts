import { conforms } from '../helpers/conformance.js';

// The successor of one language may have members of both.
conforms([
  ['process', 'python', 'process'],
  ['python', 'process', 'python'],
]);
