//! The command line keeps its promises: where output goes, what it looks like to a program, and how it ends.

mod cli {
    pub(crate) mod binary;
    mod arguments;
    mod pipeline_files;
    mod doors;
    mod partitions;
}
