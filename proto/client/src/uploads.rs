//! Large files that go on where they stopped (art. 24).

use std::{fs::File, os::unix::fs::FileExt as _, sync::Arc};

use proto::{
    google::api::HttpBody,
    qingtian::{
        catalog::v1::item_uploads_client::ItemUploadsClient,
        draws::v1::uploads_client::UploadsClient,
        uploads::v1::{AppendUploadRequest, CreateUploadRequest, GetUploadRequest, Upload, UploadState},
    },
};
use tonic::{Code, Status};

use crate::{Authorised, Error, Qingtian};

/// Bytes of one call, which is what a broken line may cost.
const CALL_BYTES: u64 = 4 << 20;
/// Bytes of one message.
const CHUNK_BYTES: usize = 256 << 10;
/// Times in a row that somebody else may have added to an upload.
const OVERTAKEN_MAX: u32 = 8;

/// Which part takes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOf {
    /// Subjects or experts; for `ImportSubjects` and `ImportExperts`.
    Registers,
    /// Items; for `ImportItems`.
    Items,
}

impl FileOf {
    async fn create(self, channel: Authorised, request: CreateUploadRequest) -> Result<Upload, Status> {
        let answer = match self {
            Self::Registers => UploadsClient::new(channel).create_upload(request).await,
            Self::Items => ItemUploadsClient::new(channel).create_upload(request).await,
        };
        Ok(answer?.into_inner())
    }

    async fn get(self, channel: Authorised, name: &str) -> Result<Upload, Status> {
        let request = GetUploadRequest { name: name.to_owned() };
        let answer = match self {
            Self::Registers => UploadsClient::new(channel).get_upload(request).await,
            Self::Items => ItemUploadsClient::new(channel).get_upload(request).await,
        };
        Ok(answer?.into_inner())
    }

    async fn append(self, channel: Authorised, name: &str, offset: i64, bytes: &[u8]) -> Result<Upload, Status> {
        let chunk = |data: &[u8]| AppendUploadRequest {
            file: Some(HttpBody { data: data.to_vec(), ..HttpBody::default() }),
            ..AppendUploadRequest::default()
        };
        let mut chunks: Vec<_> = bytes.chunks(CHUNK_BYTES).map(chunk).collect();
        if chunks.is_empty() {
            // Every byte is there: asked for the verdict only.
            chunks.push(AppendUploadRequest::default());
        }
        (chunks[0].name, chunks[0].offset) = (name.to_owned(), offset);
        let chunks = futures::stream::iter(chunks);
        let answer = match self {
            Self::Registers => UploadsClient::new(channel).append_upload(chunks).await,
            Self::Items => ItemUploadsClient::new(channel).append_upload(chunks).await,
        };
        Ok(answer?.into_inner())
    }
}

impl Qingtian {
    /// Opens an upload: `upload` says `file_name`, `length` and, better, `sha256`. Its name is kept by whoever wants to go on with it
    /// after a restart. With a `request_id` a repetition opens no second one.
    ///
    /// # Errors
    /// The last refusal, such as `UPLOADS_FULL`.
    pub async fn open_upload(&self, part: FileOf, request: CreateUploadRequest) -> Result<Upload, Error> {
        self.call(async |channel| part.create(channel, request.clone()).await).await
    }

    /// Sends what is missing of a file, from where the service has it, in calls of 4 MiB that are repeated where that may help; answers
    /// the upload when it is complete, to be imported by its name. After a failure the same again goes on.
    ///
    /// # Errors
    /// The last refusal: `NOT_FOUND` when the upload has ended, `UPLOAD_DIGEST` when the file is another one, `FAILED_PRECONDITION`
    /// of this crate's own when it cannot be read or is shorter than was announced.
    pub async fn send_file(&self, part: FileOf, name: &str, file: File) -> Result<Upload, Error> {
        let file = Arc::new(file);
        let mut overtaken = 0;
        loop {
            let sent = self.call(async |channel| {
                let kept = part.get(channel.clone(), name).await?;
                if kept.state() != UploadState::Open {
                    return Ok(kept);
                }
                let bytes = read(file.clone(), kept.offset).await?;
                if bytes.is_empty() && kept.length != Some(kept.offset) {
                    return Err(Status::failed_precondition("the file is shorter than was announced"));
                }
                part.append(channel, name, kept.offset, &bytes).await
            });
            match sent.await {
                Ok(upload) if upload.state() != UploadState::Open => return Ok(upload),
                Ok(_) => overtaken = 0,
                // A call of before that was given up may have arrived after all.
                Err(Error::Refused(status)) if status.code() == Code::Aborted && overtaken < OVERTAKEN_MAX => {
                    overtaken += 1
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The next bytes of a file.
async fn read(file: Arc<File>, offset: i64) -> Result<Vec<u8>, Status> {
    let reading = tokio::task::spawn_blocking(move || {
        let offset = offset.unsigned_abs();
        let length = file.metadata()?.len().saturating_sub(offset).min(CALL_BYTES);
        // At most CALL_BYTES.
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, offset)?;
        Ok::<_, std::io::Error>(bytes)
    });
    let read = reading.await.map_err(|error| Status::internal(error.to_string()))?;
    read.map_err(|error| Status::failed_precondition(format!("the file cannot be read: {error}")))
}
