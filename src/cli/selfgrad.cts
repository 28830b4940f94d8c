#!/usr/bin/env node
/**
 * What `npx selfgrad` starts. CommonJS, because reading an ES module starts libuv's threads, which decode images: here
 * there can still be as many as cores.
 */
import os = require('node:os');

process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, os.availableParallelism()));
import('./main.ts');
