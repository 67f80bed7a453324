import { conforms } from '../helpers/conformance.js';

conforms([
  ['python', 'python'],
  ['process', 'python'],
  ['python', 'process'],
]);
