from django.db import migrations


class Migration(migrations.Migration):
    """Suggestions ask what was learned (cases/answering); nothing reads the articles' search document any more.

    The index goes beside the work, the column is only struck from the catalogue: no row is written anew. Outside a
    transaction, so whoever was killed in between comes again to an index that may be gone.
    """

    atomic = False

    dependencies = [("cases", "0048_outcome_indexes")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS article_document", migrations.RunSQL.noop)],
            [migrations.RemoveIndex(model_name="article", name="article_document")],
        ),
        migrations.RemoveField(model_name="article", name="document"),
    ]
