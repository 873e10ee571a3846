"""The pure rules of Deedbook: values, hashes, trees and byte formats; no chain, database, HTTP or clock."""
