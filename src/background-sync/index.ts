export { answerBackgroundSync, requestBackgroundSync } from './page.ts';
export { type BackgroundSyncOptions, handleBackgroundSync, type SyncWorker } from './worker.ts';
