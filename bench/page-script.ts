import { CONTESTANTS } from './contestants.ts';
import { startPage } from './page.ts';

startPage(CONTESTANTS);
