import { LEGEND, POUCH, RXDB } from '../names.ts';
import { startPage } from '../page.ts';
import { createLegend } from './legend.ts';
import { createPouch } from './pouchdb.ts';
import { createRxdb } from './rxdb.ts';

startPage({ [RXDB]: createRxdb, [LEGEND]: createLegend, [POUCH]: createPouch });
