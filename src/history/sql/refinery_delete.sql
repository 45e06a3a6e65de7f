delete from {refinery} where version = $1::bigint
