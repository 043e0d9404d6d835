import type { FieldRole } from './knownFields.ts';

/** Fields that decide framing and connection handling. Lines of one name are joined by `, ` (RFC 9110 section 5.3). */
export interface ControlFields {
  hostLines: number;
  host: string;
  contentLengthLines: number;
  contentLength: string;
  /** Null where there is no such line; so below. */
  transferEncoding: string | null;
  connection: string | null;
  upgrade: string | null;
  expect: string | null;
}

/** Nothing seen. */
export function noControlFields(): ControlFields {
  return {
    hostLines: 0,
    host: '',
    contentLengthLines: 0,
    contentLength: '',
    transferEncoding: null,
    connection: null,
    upgrade: null,
    expect: null,
  };
}

/** Forgets everything: one object serves all messages of a connection. */
export function resetControlFields(control: ControlFields): void {
  control.hostLines = 0;
  control.host = '';
  control.contentLengthLines = 0;
  control.contentLength = '';
  control.transferEncoding = null;
  control.connection = null;
  control.upgrade = null;
  control.expect = null;
}

/** Records one more line with a role. */
export function noteControlField(control: ControlFields, role: Exclude<FieldRole, 'other'>, value: string): void {
  switch (role) {
    case 'host':
      control.hostLines += 1;
      control.host = value;
      return;
    case 'contentLength':
      control.contentLengthLines += 1;
      control.contentLength = value;
      return;
    case 'transferEncoding':
    case 'connection':
    case 'upgrade':
    case 'expect':
      control[role] = control[role] === null ? value : `${control[role]}, ${value}`;
  }
}
