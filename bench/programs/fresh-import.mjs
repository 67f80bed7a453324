// @ts-check
/** Imports the package, and does nothing. */

import 'sockref';
