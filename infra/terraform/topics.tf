# The code publishes to these three by name. `pages` and `changes` are apart so that a rollback
# of some minutes never holds up a page.

resource "google_pubsub_topic" "topic" {
  for_each = toset(["events", "pages", "changes"])

  name = each.key
}

# What could not be delivered is kept for a week and read by people; see monitoring.tf.

resource "google_pubsub_topic" "dead" {
  for_each = google_pubsub_topic.topic

  name = "${each.value.name}-dead"
}

resource "google_pubsub_subscription" "dead" {
  for_each = google_pubsub_topic.dead

  name                       = "${var.prefix}-${each.value.name}"
  topic                      = each.value.name
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = "" # else Pub/Sub deletes it after a month in which nobody pulled
  }
}
