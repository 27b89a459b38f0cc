//! Small named values: settings a person made in the program, and cursors that say how far a listing has come.

use super::Store;
use super::error::Result;
use crate::domain::change::Change;

queries! {
    SETTING = "SELECT value FROM settings WHERE name = $1";
    PUT_SETTING = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    DROP_SETTING = "DELETE FROM settings WHERE name = $1";
    CURSOR = "SELECT value FROM cursors WHERE name = $1";
    PUT_CURSOR = "INSERT INTO cursors (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

impl Store {
    pub async fn setting(&self, name: &str) -> Result<Option<String>> {
        self.attempt(format!("read the setting {name}"), async {
            Ok(sqlx::query_scalar(SETTING).bind(name).fetch_optional(&mut *self.reader().await?).await?)
        })
        .await
    }

    pub async fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.attempt(format!("keep the setting {name}"), async {
            let mut writing = self.writing().await?;
            sqlx::query(PUT_SETTING).bind(name).bind(value).execute(writing.conn()).await?;
            writing.announce(Change::Settings);
            self.commit(writing).await
        })
        .await
    }

    pub async fn forget_setting(&self, name: &str) -> Result<()> {
        self.attempt(format!("forget the setting {name}"), async {
            let mut writing = self.writing().await?;
            sqlx::query(DROP_SETTING).bind(name).execute(writing.conn()).await?;
            writing.announce(Change::Settings);
            self.commit(writing).await
        })
        .await
    }

    pub async fn cursor(&self, name: &str) -> Result<Option<String>> {
        self.attempt(format!("read the cursor {name}"), async {
            Ok(sqlx::query_scalar(CURSOR).bind(name).fetch_optional(&mut *self.reader().await?).await?)
        })
        .await
    }

    /// Cursors are nobody's to look at: they are not announced.
    pub async fn set_cursor(&self, name: &str, value: &str) -> Result<()> {
        self.attempt(format!("keep the cursor {name}"), async {
            let mut writing = self.writing().await?;
            sqlx::query(PUT_CURSOR).bind(name).bind(value).execute(writing.conn()).await?;
            self.commit(writing).await
        })
        .await
    }
}
