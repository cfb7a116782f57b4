import { readFile } from 'node:fs/promises';
import { createServer } from 'vite';
import { startSupabase } from '../../test/support/supabase/index.ts';

export interface Gallery {
	/** `http://127.0.0.1:<port>/` */
	readonly url: string;
	/** Where the page's Supabase is. */
	readonly supabaseUrl: string;
	stop(): Promise<void>;
}

interface Project {
	readonly url: string;
	readonly anonKey: string;
	stop(): Promise<void>;
}

/** A Supabase project with the gallery's tables, and the page that uses it, both on this machine alone. */
export async function startGallery(): Promise<Gallery & { readonly project: Project }> {
	const project = await openProject();
	// Read by the page as `import.meta.env`.
	process.env.VITE_SUPABASE_URL = project.url;
	process.env.VITE_SUPABASE_ANON_KEY = project.anonKey;
	const server = await createServer({
		configFile: new URL('vite.config.ts', import.meta.url).pathname,
		logLevel: 'warn',
		clearScreen: false,
	});
	await server.listen();
	const url = server.resolvedUrls?.local[0];
	if (!url) throw new Error('The page has no address');
	return {
		...{ url, supabaseUrl: project.url, project },
		async stop() {
			await server.close();
			await project.stop();
		},
	};
}

/** The project named in the environment, prepared with schema.sql; else one of its own. */
async function openProject(): Promise<Project> {
	const { SUPABASE_URL: url, SUPABASE_ANON_KEY: anonKey } = process.env;
	if (url && anonKey) return { url, anonKey, stop: async () => undefined };
	const sql = await readFile(new URL('schema.sql', import.meta.url), 'utf8');
	const supabase = await startSupabase({ sql });
	for (const table of ['generations', 'prompt_history']) await supabase.realtime.publish(table);
	return supabase;
}
