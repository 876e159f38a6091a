// Written by scripts/contract.mjs from the proto files. Do not edit.

export type UploadState =
  | 'UPLOAD_STATE_UNSPECIFIED'
  | 'UPLOAD_STATE_OPEN'
  | 'UPLOAD_STATE_COMPLETE'
  | 'UPLOAD_STATE_USED';

export interface Upload {
  name: string;
  fileName: string;
  mediaType: string;
  length?: string;
  sha256: string;
  offset: string;
  state: UploadState;
  createTime?: string;
  expireTime?: string;
  import: string;
}

export interface CreateUploadRequest {
  parent: string;
  upload?: Upload;
  requestId: string;
}

export interface AppendUploadRequest {
  name: string;
  offset: string;
  length?: string;
  file?: unknown;
}

export interface GetUploadRequest {
  name: string;
}

export interface DeleteUploadRequest {
  name: string;
}

export type DeleteUploadResponse = Record<string, never>;
