// Run by supabase.test.ts as a process to kill: starts a project, writes what it consists of, and waits.
import { startSupabase } from './index.ts';

const { processes, directory } = await startSupabase();
console.log(JSON.stringify({ processes, directory }));
setInterval(() => {}, 60_000);
