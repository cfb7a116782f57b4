import { startGallery } from './gallery.ts';

/** `npm run demo`: the gallery, until it is stopped. */
const startedAt = performance.now();
const gallery = await startGallery();
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);

console.log(`
  PixoRA gallery: ${gallery.url}

  Two devices on a Supabase project of this machine (ready after ${seconds} s).
  Take one offline, edit the same image on both, and bring it back.
  Ctrl+C stops it all.
`);

const stop = async () => {
	await gallery.stop();
	process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
// npm does not pass on what ends it.
const { ppid } = process;
setInterval(() => process.ppid !== ppid && void stop(), 1_000).unref();
