from django.db import models


class StoredFile(models.Model):
    """The bytes of an attachment or a raw mail, named by their sha256, so that the same content is kept once."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class FileChunk(models.Model):
    """512 kB of a stored file, in order."""

    file = models.ForeignKey(StoredFile, models.CASCADE, related_name="chunks")
    position = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "position"], name="file_chunk_position")]

    def __str__(self) -> str:
        return f"{self.file_id}#{self.position}"
