//! Identity through a real client on a real database.

mod city;
mod events;
mod people;
mod sign_in;
