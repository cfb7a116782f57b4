#!/usr/bin/env node
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2), {
	env: process.env,
	print: (text) => void process.stdout.write(text),
	complain: (text) => void process.stderr.write(text),
});
