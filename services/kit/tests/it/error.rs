//! What is told of a failure of PostgreSQL.

use kit::{
    error::Refusal,
    testing::{TestDatabase, refusal_of},
};
use tonic::Status;

#[tokio::test]
async fn what_the_database_could_not_do_just_now_may_be_tried_again() {
    let database = TestDatabase::new("catalog").await.unwrap();
    let pool = database.pool().await.unwrap();
    for (code, told) in [
        ("53300", "UNAVAILABLE"),
        ("53100", "UNAVAILABLE"),
        ("57P01", "UNAVAILABLE"),
        ("40P01", "UNAVAILABLE"),
        ("57014", "INTERNAL"),
        ("P0001", "INTERNAL"),
    ] {
        let raise = format!("do $$ begin raise exception 'so it is' using errcode = '{code}'; end $$");
        let error = sqlx::query(sqlx::AssertSqlSafe(raise)).execute(&pool).await.unwrap_err();
        assert_eq!(refusal_of(&Status::from(Refusal::from(error))).0, told, "{code}");
    }
}
