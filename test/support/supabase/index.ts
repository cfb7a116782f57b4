export type { AuthSettings } from './auth-handler.ts';
export type { Fault, FaultEffect, FaultHandle, FaultReply, FaultRequest, Faults } from './faults.ts';
export type { RealtimeControl } from './realtime.ts';
export type { LoggedRequest } from './request-log.ts';
export { type Supabase, type SupabaseOptions, startSupabase } from './supabase.ts';
export type { TokenClaims } from './tokens.ts';
export { touchTrigger } from './touch-trigger.ts';
export { webSocketTransport } from './web-socket-transport.ts';
