//! Against a door of its own, each verb says what is so, and ends with the code that it promises.
