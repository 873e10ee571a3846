-- Run once, by the image, when PostgreSQL begins: the records have their database already, the mirror gets its own.
CREATE DATABASE mirror;
