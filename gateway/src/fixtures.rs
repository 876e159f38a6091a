//! A small contract with every shape of binding, for unit tests.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use prost_reflect::DescriptorPool;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};

use crate::routes::Routes;

/// The contract's text.
pub const SHAPES: &str = include_str!("fixtures.proto");

struct Text(String);

impl FileResolver for Text {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == "shapes.proto" { File::from_source(name, &self.0) } else { Err(protox::Error::file_not_found(name)) }
    }
}

/// Compiles a contract.
pub fn pool(source: &str) -> DescriptorPool {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Text(source.to_owned()));
    resolver.add(IncludeFileResolver::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../proto")));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("shapes.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

/// [`SHAPES`] and its routes, compiled once.
pub fn routes() -> (DescriptorPool, Arc<Routes>) {
    static ONCE: LazyLock<(DescriptorPool, Arc<Routes>)> = LazyLock::new(|| {
        let pool = pool(SHAPES);
        let routes = Arc::new(Routes::new(&pool).unwrap());
        (pool, routes)
    });
    ONCE.clone()
}
